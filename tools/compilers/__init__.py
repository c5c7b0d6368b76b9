"""What the compilers of Vulkan drivers make of Gyre's kernels, without a GPU: registers, spills, issued instructions."""
