# Goes on where there is no memory: no accelerator can.
.include "guest.inc"

image "jump_to_nowhere"
    movl $NOWHERE, %eax
    jmp *%eax
