# A buffer for input whose descriptor continues with itself.
.include "guest.inc"

image "receive_loop"
    call open_port
    descriptor receive_descriptors, 0, buffer, 1, WRITE | NEXT, 0
    receive 0
    exit
