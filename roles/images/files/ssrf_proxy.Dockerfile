# The source runs a stock Squid with two files mounted over it. Here they are in the image, at the same paths, so that an
# image works with or without the mounts. At each start the script makes squid.conf of the template: a configuration of one's
# own is a template, put where this one is. A squid.conf put into an image is overwritten.
FROM ubuntu/squid:latest

# What Compose sets by default. Squid does not start with an empty port.
ENV HTTP_PORT=3128 \
    COREDUMP_DIR=/var/spool/squid \
    REVERSE_PROXY_PORT=8194 \
    SANDBOX_HOST=sandbox \
    SANDBOX_PORT=8194

COPY squid.conf.template /etc/squid/squid.conf.template
COPY --chmod=0755 docker-entrypoint.sh /docker-entrypoint-mount.sh
COPY --chmod=0755 docker-entrypoint.sh /docker-entrypoint.sh

EXPOSE 3128 8194

# Squid answers a request that is none for a proxy by itself, with an error: no other server is asked.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${HTTP_PORT##*:} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 4 answer <&3 && [[ $answer == HTTP/* ]]"]

# The script may be mounted, and may come from a work tree with Windows line ends.
ENTRYPOINT ["sh", "-c", "tr -d '\\r' < /docker-entrypoint-mount.sh > /docker-entrypoint.sh && exec /docker-entrypoint.sh"]
