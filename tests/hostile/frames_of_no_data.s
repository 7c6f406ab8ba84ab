# A thousand frames of output with no data, which are allowed (SPEC C6.1).
.include "guest.inc"

    .section .rodata
    bytes errors, 2, 0x1a, 0

image "frames_of_no_data"
    movl $500, %ebp
1:  say empty_frame
    say errors
    decl %ebp
    jnz 1b
    exit
