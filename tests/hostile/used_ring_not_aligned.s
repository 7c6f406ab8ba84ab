# The used ring is at an address that is no multiple of 4 (virtio 1.2, 2.7).
.include "guest.inc"

image "used_ring_not_aligned"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DEVICE, transmit_used+1
    ready
    driver_ok
    message 0, empty_frame
    offer 0
    notify
    message 1, exit_frame
    offer 1
    notify
    jmp rest
