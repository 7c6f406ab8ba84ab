# Descriptors of no bytes, alone and in chains: nothing forbids them, and they hold nothing.
.include "guest.inc"

image "zero_length_descriptors"
    descriptor transmit_descriptors, 0, exit_frame, 0
    transmit 0
    descriptor transmit_descriptors, 0, exit_frame, 0, NEXT, 1
    descriptor transmit_descriptors, 1, exit_frame, 3, NEXT, 2
    descriptor transmit_descriptors, 2, exit_frame, 0, NEXT, 3
    descriptor transmit_descriptors, 3, exit_frame+3, exit_frame_length-3, NEXT, 4
    descriptor transmit_descriptors, 4, exit_frame, 0
    transmit 0
    jmp rest
