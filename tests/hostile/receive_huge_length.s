# A buffer for input that begins in memory and is as long as can be said.
.include "guest.inc"

image "receive_huge_length"
    call open_port
    descriptor receive_descriptors, 0, buffer, 0xffffffff, WRITE
    receive 0
    exit
