# Notifies of a queue that is ready no more: its contents must not be looked at (virtio 1.2, 4.2.2.1).
.include "guest.inc"

image "notify_of_a_queue_not_ready"
    movl transmit_index, %eax
    movl %eax, QUEUE_SEL
    movl $0, QUEUE_READY
    message 0, empty_frame
    movw transmit_used + 2, %bp
    offer 0
    notify
    movl $10000, %ecx
1:  loop 1b
    subw transmit_used + 2, %bp
    call connect
    testw %bp, %bp
    jnz 1f
    exit
1:  exit 1
