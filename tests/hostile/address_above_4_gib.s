# A descriptor whose lower 32 bits are those of a good frame.
.include "guest.inc"

image "address_above_4_gib"
    descriptor transmit_descriptors, 0, exit_frame, exit_frame_length, address_high=1
    transmit 0
    exit
