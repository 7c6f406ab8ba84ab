# Available and used ring are one: what the device writes, it reads. The guest's own loss.
.include "guest.inc"

image "rings_on_one_place"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DEVICE, transmit_available
    ready
    driver_ok
    message 0, exit_frame
    offer 0
    notify
    jmp rest
