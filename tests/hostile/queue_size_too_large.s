# A queue of twice the size that the device says it has at most (virtio 1.2, 4.2.2.2).
.include "guest.inc"

image "queue_size_too_large"
    call negotiate
    queue receive
    ready
    queue transmit
    movl QUEUE_NUM_MAX, %eax
    addl %eax, %eax
    movl %eax, QUEUE_NUM
    ready
    driver_ok
    say empty_frame
    exit
