# Resets the device a thousand times, each time with a queue that is in use.
.include "guest.inc"

image "reset_without_end"
    movl $1000, %ebp
1:  movl $0, STATUS
    decl %ebp
    jnz 1b
    movl $20, %ebp
1:  call connect
    say empty_frame
    decl %ebp
    jnz 1b
    exit
