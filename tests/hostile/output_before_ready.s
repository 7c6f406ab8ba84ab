# Writes to STDOUT before it is ready (SPEC C6.2).
.include "guest.inc"

bare_image "output_before_ready"
    call connect
    say acting_frame
    say ready_frame
    exit
