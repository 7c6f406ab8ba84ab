# A descriptor whose last byte lies after the end of memory.
.include "guest.inc"

image "address_across_the_end_of_memory"
    descriptor transmit_descriptors, 0, MEMORY_END-63, 64
    transmit 0
    exit
