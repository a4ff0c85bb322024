def speed(*a):
    raise SystemExit
