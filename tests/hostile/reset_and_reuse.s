# Resets the device in mid-stream, even in mid-frame, and goes on: it is one stream still.
.include "guest.inc"

image "reset_and_reuse"
    call connect
    descriptor transmit_descriptors, 0, exit_frame, 3
    transmit 0
    call connect
    descriptor transmit_descriptors, 0, exit_frame+3, exit_frame_length-3
    transmit 0
    jmp rest
