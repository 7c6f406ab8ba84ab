# Goes on inside the device's registers: no accelerator can.
.include "guest.inc"

image "jump_to_the_device"
    settle
    movl $DEVICE, %eax
    jmp *%eax
