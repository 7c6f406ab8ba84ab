# Sets up queues that do not exist: they have no size, and nothing comes of it.
.include "guest.inc"

image "select_no_queue"
    call negotiate
    .irp index, 64, 1023, 1024, 0x7fff, 0xffff, 0x10000, 0x10001, 0xffffffff
    movl $\index, %eax
    movl %eax, QUEUE_SEL
    cmpl $0, QUEUE_NUM_MAX
    jne 1f
    movl $QUEUE_SIZE, QUEUE_NUM
    place QUEUE_DESC, NOWHERE
    place QUEUE_DRIVER, NOWHERE
    place QUEUE_DEVICE, NOWHERE
    ready
    movl %eax, QUEUE_NOTIFY
    .endr
    call connect
    exit
1:  call connect
    exit 1
