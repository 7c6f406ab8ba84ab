# A frame that claims a message as long as can be said, and so data that begins after it ends.
.include "guest.inc"

    .section .rodata
    bytes length, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01

image "frame_length_of_64_bits"
    say length
    exit
