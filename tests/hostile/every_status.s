# Gives the device each status there is, then starts over.
.include "guest.inc"

image "every_status"
    movl $255, %ebp
1:  movl %ebp, STATUS
    movl STATUS, %eax
    decl %ebp
    jns 1b
    movl $-1, STATUS
    call connect
    exit
