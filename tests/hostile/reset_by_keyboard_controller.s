# Asks a PC's keyboard controller for a reset; where there is none, nothing comes of it.
.include "guest.inc"

image "reset_by_keyboard_controller"
    movb $0xfe, %al
    outb %al, $0x64
    # Time for a monitor that resets later than at once.
    movl $100000, %ecx
1:  loop 1b
    exit
