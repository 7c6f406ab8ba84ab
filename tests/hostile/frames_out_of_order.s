# Becomes ready once more (SPEC C6.2).
.include "guest.inc"

image "frames_out_of_order"
    say ready_frame
    exit
