;; CRC-64/Jones as Redis uses it (polynomial 0xad93d23594c935a9, reflected, initial value 0), sixteen bytes a step.
;; Memory: 0..32 KiB sixteen tables of 256 × 8 bytes; everything from 64 KiB on belongs to the caller.
(module
  (memory (export "memory") 2)
  (global $running (mut i64) (i64.const 0))

  (func $makeTables
    (local $index i32) (local $bit i32) (local $crc i64) (local $at i32)
    (loop $eachByte
      (local.set $crc (i64.extend_i32_u (local.get $index)))
      (local.set $bit (i32.const 0))
      (loop $eachBit
        (local.set $crc
          (i64.xor
            (i64.shr_u (local.get $crc) (i64.const 1))
            (i64.and
              (i64.sub (i64.const 0) (i64.and (local.get $crc) (i64.const 1)))
              (i64.const 0x95ac9329ac4bc9b5))))
        (br_if $eachBit (i32.lt_u (local.tee $bit (i32.add (local.get $bit) (i32.const 1))) (i32.const 8))))
      (i64.store (i32.shl (local.get $index) (i32.const 3)) (local.get $crc))
      (br_if $eachByte (i32.lt_u (local.tee $index (i32.add (local.get $index) (i32.const 1))) (i32.const 256))))
    ;; Table k is table k-1 moved on by one zero byte.
    (local.set $at (i32.const 2048))
    (loop $eachEntry
      (local.set $crc (i64.load (i32.sub (local.get $at) (i32.const 2048))))
      (i64.store (local.get $at)
        (i64.xor
          (i64.shr_u (local.get $crc) (i64.const 8))
          (i64.load (i32.shl (i32.wrap_i64 (i64.and (local.get $crc) (i64.const 255))) (i32.const 3)))))
      (br_if $eachEntry (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 32768)))))
  (start $makeTables)

  (func $crc (export "crc") (param $crc i64) (param $at i32) (param $length i32) (result i64)
    (local $end i32) (local $a i64) (local $b i64)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $tail
      (loop $sixteen
        (br_if $tail (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 16)))
        (local.set $a (i64.xor (i64.load align=1 (local.get $at)) (local.get $crc)))
        (local.set $b (i64.load offset=8 align=1 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $crc
          (i64.xor
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=30720 (i32.and (i32.shl (i32.wrap_i64 (local.get $a)) (i32.const 3)) (i32.const 0x7f8)))
                  (i64.load offset=28672 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 5))) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=26624 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 13))) (i32.const 0x7f8)))
                  (i64.load offset=24576 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 21))) (i32.const 0x7f8)))))
              (i64.xor
                (i64.xor
                  (i64.load offset=22528 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 29))) (i32.const 0x7f8)))
                  (i64.load offset=20480 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 37))) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=18432 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 45))) (i32.const 0x7f8)))
                  (i64.load offset=16384 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 53))) (i32.const 0x7f8))))))
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=14336 (i32.and (i32.shl (i32.wrap_i64 (local.get $b)) (i32.const 3)) (i32.const 0x7f8)))
                  (i64.load offset=12288 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 5))) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=10240 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 13))) (i32.const 0x7f8)))
                  (i64.load offset=8192 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 21))) (i32.const 0x7f8)))))
              (i64.xor
                (i64.xor
                  (i64.load offset=6144 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 29))) (i32.const 0x7f8)))
                  (i64.load offset=4096 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 37))) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=2048 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 45))) (i32.const 0x7f8)))
                  (i64.load (i32.and (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 53))) (i32.const 0x7f8))))))))
        (br $sixteen)))
    (block $done
      (loop $single
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $crc
          (i64.xor
            (i64.shr_u (local.get $crc) (i64.const 8))
            (i64.load
              (i32.shl
                (i32.and
                  (i32.xor (i32.wrap_i64 (local.get $crc)) (i32.load8_u (local.get $at)))
                  (i32.const 255))
                (i32.const 3)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $single)))
    (local.get $crc))

  ;; Moves bytes within the memory.
  (func (export "copy") (param $to i32) (param $from i32) (param $length i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $length)))

  ;; A running checksum that needs no 64-bit number outside: begin, feed, and store it as eight little-endian bytes.
  (func (export "begin") (global.set $running (i64.const 0)))
  (func (export "feed") (param $at i32) (param $length i32)
    (global.set $running (call $crc (global.get $running) (local.get $at) (local.get $length))))
  (func (export "store") (param $at i32)
    (i64.store align=1 (local.get $at) (global.get $running)))

  ;; Writes a DUMP payload at $to: the type, the value, the version in two bytes and the checksum of all that. Returns its end.
  (func (export "payload") (param $to i32) (param $type i32) (param $from i32) (param $length i32) (param $version i32) (result i32)
    (local $end i32)
    (i32.store8 (local.get $to) (local.get $type))
    (memory.copy (i32.add (local.get $to) (i32.const 1)) (local.get $from) (local.get $length))
    (local.set $end (i32.add (i32.add (local.get $to) (local.get $length)) (i32.const 1)))
    (i32.store16 align=1 (local.get $end) (local.get $version))
    (local.set $end (i32.add (local.get $end) (i32.const 2)))
    (i64.store align=1 (local.get $end) (call $crc (i64.const 0) (local.get $to) (i32.sub (local.get $end) (local.get $to))))
    (i32.add (local.get $end) (i32.const 8))))
