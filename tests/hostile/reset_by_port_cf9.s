# Asks a PC's chipset for a reset; where there is none, nothing comes of it.
.include "guest.inc"

image "reset_by_port_cf9"
    movl $0xcf9, %edx
    movb $2, %al
    outb %al, %dx
    movb $6, %al
    outb %al, %dx
    movl $100000, %ecx
1:  loop 1b
    exit
