/** @type {import('next').NextConfig} */
const nextConfig = {
  output: 'standalone',
  poweredByHeader: false,
  // Pictures are served as they are: the optimiser would bring native code for each platform.
  images: { unoptimized: true },
}

module.exports = nextConfig
