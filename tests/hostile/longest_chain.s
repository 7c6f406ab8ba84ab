# The longest chain there may be: 256 descriptors that describe 128 MiB, of a memory of 4 MiB. It is
# allowed (virtio 1.2, 2.7.5.2), and nothing of it has to be held.
.set QUEUE_SIZE, 256
.include "guest.inc"

.set PAYLOAD, (1 << 20) - 4             # SPEC C6.1: the message with its own header has 1 MiB

    .section .rodata
    bytes header, 0x80, 0x80, 0x40, 0x12, 0xfc, 0xff, 0x3f

image "longest_chain"
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
    transmit 0
    exit
