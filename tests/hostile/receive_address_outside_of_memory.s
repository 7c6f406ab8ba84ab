# A buffer for input where there is nothing.
.include "guest.inc"

image "receive_address_outside_of_memory"
    call open_port
    descriptor receive_descriptors, 0, NOWHERE, 4096, WRITE
    receive 0
    exit
