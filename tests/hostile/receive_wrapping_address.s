# A buffer for input that ends after the last address there is, and so, apparently, inside memory.
.include "guest.inc"

image "receive_wrapping_address"
    call open_port
    descriptor receive_descriptors, 0, 0xfffff000, 0x2000, WRITE, address_high=0xffffffff
    receive 0
    exit
