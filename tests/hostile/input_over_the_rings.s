# A buffer for input that lies on its own descriptor table and both rings: the guest's own loss.
.include "guest.inc"

image "input_over_the_rings"
    call open_port
    descriptor receive_descriptors, 0, receive_descriptors, 3*4096, WRITE
    movl $0, %eax
    movl $receive_available, %edi
    call make_available
    movl receive_index, %eax
    movl %eax, QUEUE_NOTIFY
    # A descriptor that was never filled in: the frame with the start is longer.
1:  cmpl $0, receive_descriptors + 4 * 16
    je 1b
    exit
