# A message of two fields, output and then an exit (SPEC C6.2).
.include "guest.inc"

    .section .rodata
    bytes frame, 9, 0x12, 1, 'x', 0x22, 4, 0x08, 0, 0x10, 1

image "two_fields_in_a_frame"
    say frame
    exit
