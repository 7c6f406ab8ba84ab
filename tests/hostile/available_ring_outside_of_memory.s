# The available ring lies where there is no memory.
.include "guest.inc"

image "available_ring_outside_of_memory"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DRIVER, NOWHERE
    ready
    driver_ok
    message 0, empty_frame
    offer 0
    notify
    message 1, exit_frame
    offer 1
    notify
    jmp rest
