# The source runs a stock Squid with two files mounted over it. Here they are in the image, at the same paths, so that an
# image works with or without the mounts.
FROM ubuntu/squid:latest
COPY squid.conf.template /etc/squid/squid.conf.template
COPY --chmod=0755 docker-entrypoint.sh /docker-entrypoint-mount.sh
COPY --chmod=0755 docker-entrypoint.sh /docker-entrypoint.sh
ENTRYPOINT ["sh", "/docker-entrypoint.sh"]
