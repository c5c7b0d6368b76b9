"""Measures Gyre against llama.cpp's Vulkan backend: what the peer prints, how it is started, what the figures mean."""
