# Writes where a PC has video memory and ROM, and beyond the end of memory; nothing comes of it.
.include "guest.inc"

.macro fill start, count
    movl $\start, %edi
    movl $\count, %ecx
    rep stosl
.endm

image "write_to_a_hole"
    movl $-1, %eax
    fill 0xa0000, 64
    fill 0xc0000, 64
    fill 0xe0000, 64
    fill 0xfff00, 64                    # up to the image
    fill MEMORY_END-64, 32              # over the end of memory
    fill NOWHERE, 64
    fill 0xfff00000, 64
    fill 0xffffff00, 63                 # almost up to 4 GiB
    exit
