"""The only part that imports NEST: kernel, build, devices, audit."""
