# A descriptor that ends after the last address there is, and so, apparently, inside memory.
.include "guest.inc"

image "wrapping_address"
    descriptor transmit_descriptors, 0, 0xfffff000, 0x2000, address_high=0xffffffff
    transmit 0
    exit
