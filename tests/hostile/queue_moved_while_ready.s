# A queue moves to where there is no memory while it is ready (virtio 1.2, 4.2.2.2).
.include "guest.inc"

image "queue_moved_while_ready"
    movl transmit_index, %eax
    movl %eax, QUEUE_SEL
    place QUEUE_DESC, NOWHERE
    place QUEUE_DRIVER, NOWHERE
    place QUEUE_DEVICE, NOWHERE
    message 0, empty_frame
    offer 0
    notify
    message 1, exit_frame
    offer 1
    notify
    jmp rest
