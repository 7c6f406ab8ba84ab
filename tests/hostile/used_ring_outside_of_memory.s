# The used ring lies where there is no memory.
.include "guest.inc"

image "used_ring_outside_of_memory"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DEVICE, NOWHERE
    ready
    driver_ok
    message 0, empty_frame
    offer 0
    notify
    message 1, exit_frame
    offer 1
    notify
    jmp rest
