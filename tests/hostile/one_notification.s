# The longest chain there may be, made available 256 times over: one notification asks for 32 GiB of
# output, and a deadline holds all the same.
.set QUEUE_SIZE, 256
.include "guest.inc"

.set PAYLOAD, (1 << 20) - 4             # SPEC C6.1: the message with its own header has 1 MiB

    .section .rodata
    bytes header, 0x80, 0x80, 0x40, 0x12, 0xfc, 0xff, 0x3f

image "one_notification"
    movl $transmit_descriptors, %edi
    movl $1, %edx
1:  movl $header, (%edi)
    movl $0, 4(%edi)
    movl $header_length, 8(%edi)
    movw $NEXT, 12(%edi)
    movw %dx, 14(%edi)
    incl %edx
    movl $buffer, 16(%edi)
    movl $0, 20(%edi)
    movl $PAYLOAD, 24(%edi)
    movw $NEXT, 28(%edi)
    movw %dx, 30(%edi)
    incl %edx
    addl $32, %edi
    cmpl $256, %edx
    jb 1b
    movw $0, transmit_descriptors + 255 * 16 + 12
    addw $256, transmit_available + 2    # every entry of the ring names descriptor 0
    notify
    call await_transmit
    exit
