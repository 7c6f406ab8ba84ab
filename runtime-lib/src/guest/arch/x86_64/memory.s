# The memory functions that compilers call. In assembly, because a compiler would make a call to
# `memcpy` of a loop that copies; with SSE2, which every x86-64 has and which emulators run well.

    .section .text.memory, "ax"
    .code64

# memcpy(rdi to, rsi from, rdx bytes) -> to. Ascending, the last 16 bytes read first: right for
# overlapping areas too if `to` is below `from`.
    .globl memcpy
    .type memcpy, @function
memcpy:
    movq %rdi, %rax
    cmpq $16, %rdx
    jb 3f
    movups -16(%rsi,%rdx), %xmm4
    leaq -16(%rdi,%rdx), %rcx
    leaq -48(%rcx), %r8
1:  cmpq %r8, %rdi
    jae 2f
    movups (%rsi), %xmm0
    movups 16(%rsi), %xmm1
    movups 32(%rsi), %xmm2
    movups 48(%rsi), %xmm3
    movups %xmm0, (%rdi)
    movups %xmm1, 16(%rdi)
    movups %xmm2, 32(%rdi)
    movups %xmm3, 48(%rdi)
    addq $64, %rsi
    addq $64, %rdi
    jmp 1b
2:  cmpq %rcx, %rdi
    jae 4f
    movups (%rsi), %xmm0
    movups %xmm0, (%rdi)
    addq $16, %rsi
    addq $16, %rdi
    jmp 2b
4:  movups %xmm4, (%rcx)
    ret
3:  testq %rdx, %rdx
    jz 5f
    movb (%rsi), %cl
    movb %cl, (%rdi)
    incq %rsi
    incq %rdi
    decq %rdx
    jmp 3b
5:  ret

# memmove(rdi to, rsi from, rdx bytes) -> to. Descending where an ascending copy would read what it
# has overwritten, the first 16 bytes read first.
    .globl memmove
    .type memmove, @function
memmove:
    movq %rdi, %rcx
    subq %rsi, %rcx
    cmpq %rdx, %rcx             # unsigned: below `from` wraps to a large distance
    jae memcpy
    movq %rdi, %rax
    cmpq $16, %rdx
    jb 2f
    movups (%rsi), %xmm1
1:  cmpq $16, %rdx
    jbe 3f
    movups -16(%rsi,%rdx), %xmm0
    movups %xmm0, -16(%rdi,%rdx)
    subq $16, %rdx
    jmp 1b
3:  movups %xmm1, (%rdi)
    ret
2:  testq %rdx, %rdx
    jz 4f
    movb -1(%rsi,%rdx), %cl
    movb %cl, -1(%rdi,%rdx)
    decq %rdx
    jmp 2b
4:  ret

# memset(rdi to, sil byte, rdx bytes) -> to.
    .globl memset
    .type memset, @function
memset:
    movq %rdi, %rax
    movzbl %sil, %ecx
    cmpq $16, %rdx
    jb 2f
    imull $0x01010101, %ecx, %ecx
    movd %ecx, %xmm0
    pshufd $0, %xmm0, %xmm0
    leaq -16(%rdi,%rdx), %r8
1:  movups %xmm0, (%rdi)
    addq $16, %rdi
    cmpq %r8, %rdi
    jb 1b
    movups %xmm0, (%r8)
    ret
2:  testq %rdx, %rdx
    jz 3f
    movb %cl, (%rdi)
    incq %rdi
    decq %rdx
    jmp 2b
3:  ret

# memcmp(rdi a, rsi b, rdx bytes) -> the sign of the first difference; bcmp asks only whether.
    .globl memcmp
    .type memcmp, @function
    .globl bcmp
    .type bcmp, @function
memcmp:
bcmp:
    cmpq $8, %rdx
    jb 2f
    movq (%rdi), %rax
    movq (%rsi), %rcx
    cmpq %rcx, %rax
    jne 1f
    addq $8, %rdi
    addq $8, %rsi
    subq $8, %rdx
    jmp memcmp
1:  bswapq %rax                 # the byte that comes first decides
    bswapq %rcx
    cmpq %rcx, %rax
    sbbl %eax, %eax
    orl $1, %eax
    ret
2:  testq %rdx, %rdx
    jz 3f
    movzbl (%rdi), %eax
    movzbl (%rsi), %ecx
    subl %ecx, %eax
    jne 4f
    incq %rdi
    incq %rsi
    decq %rdx
    jmp 2b
3:  xorl %eax, %eax
4:  ret

# strlen(rdi) -> bytes before the NUL.
    .globl strlen
    .type strlen, @function
strlen:
    movq %rdi, %rax
1:  cmpb $0, (%rax)
    je 2f
    incq %rax
    jmp 1b
2:  subq %rdi, %rax
    ret
