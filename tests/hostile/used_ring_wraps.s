# The used ring begins just before the last address there is.
.include "guest.inc"

image "used_ring_wraps"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DEVICE, 0xfffffffc, 0xffffffff
    ready
    driver_ok
    message 0, empty_frame
    offer 0
    notify
    message 1, exit_frame
    offer 1
    notify
    jmp rest
