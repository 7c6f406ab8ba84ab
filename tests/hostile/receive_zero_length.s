# A buffer for input that takes none, and then one that does: the first is no end of the stream.
.include "guest.inc"

image "receive_zero_length"
    call open_port
    descriptor receive_descriptors, 0, buffer, 0, WRITE
    descriptor receive_descriptors, 1, buffer, 4096, WRITE
    movl $0, %eax
    movl $receive_available, %edi
    call make_available
    receive 1
    exit
