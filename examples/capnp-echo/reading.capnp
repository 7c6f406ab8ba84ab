@0xb2f7c1d59a6e4c03;

# What a sensor has measured.
struct Reading {
  sensor @0 :Text;
  # Nanoseconds since the UNIX epoch.
  time @1 :UInt64;
  value @2 :Float64;
  unit @3 :Unit;

  enum Unit {
    none @0;
    celsius @1;
    percent @2;
    pascal @3;
  }
}
