# A descriptor that begins in memory and is as long as can be said.
.include "guest.inc"

image "huge_length"
    descriptor transmit_descriptors, 0, empty_frame, 0xffffffff
    transmit 0
    exit
