# The available ring is at an odd address (virtio 1.2, 2.7).
.include "guest.inc"

image "available_ring_not_aligned"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DRIVER, transmit_available+1
    ready
    driver_ok
    message 0, exit_frame
    xorl %eax, %eax
    movl $transmit_available + 1, %edi
    call make_available
    notify
    jmp rest
