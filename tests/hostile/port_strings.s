# Repeated string I/O: long, backwards, at the last port, and with memory that is none or a device.
.include "guest.inc"

.macro repeated instruction, port, count, address
    movl $\port, %edx
    movl $\count, %ecx
    movl $\address, %esi
    movl $\address, %edi
    rep \instruction
.endm

image "port_strings"
    .irp port, 0x80, 0x3f8, 0xcfc, 0xffff
    repeated insb, \port, 65536, buffer
    repeated insw, \port, 4096, buffer
    repeated insl, \port, 4096, buffer
    repeated outsb, \port, 4096, buffer
    repeated outsw, \port, 4096, buffer
    repeated outsl, \port, 4096, buffer
    .endr
    std
    repeated insl, 0x80, 4096, buffer+65532
    repeated outsl, 0x80, 4096, buffer+65532
    cld
    repeated insl, 0x80, 16, MEMORY_END-32
    repeated outsl, 0x80, 16, MEMORY_END-32
    repeated insb, 0x80, 16, NOWHERE
    repeated outsb, 0x80, 16, NOWHERE
    repeated insl, 0x80, 64, DEVICE
    repeated outsl, 0x80, 64, DEVICE
    call connect
    exit
