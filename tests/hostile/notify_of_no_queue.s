# Notifies the device of queues that do not exist, or have no buffers: nothing comes of it.
.include "guest.inc"

image "notify_of_no_queue"
    movl $2, %ebp
1:  movl %ebp, QUEUE_NOTIFY
    incl %ebp
    cmpl $600, %ebp
    jb 1b
    .irp index, 0x3ff, 0x400, 0x7fff, 0x8000, 0xfffe, 0xffff, 0xffffffff
    movl $\index, QUEUE_NOTIFY
    .endr
    # The lower 16 bits are those of a queue that has a buffer.
    message 0, empty_frame
    movw transmit_used + 2, %bp
    offer 0
    movl transmit_index, %eax
    addl $0x10000, %eax
    movl %eax, QUEUE_NOTIFY
    movl $10000, %ecx
1:  loop 1b
    cmpw transmit_used + 2, %bp
    jne 1f
    notify
    call await_transmit
    exit
1:  exit 1
