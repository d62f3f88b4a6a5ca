#!/bin/sh
# A database is made where there is none, then the server runs as its own user.
set -eu
install -d -o mysql -g mysql /var/lib/mysql /run/mysqld
chown -R mysql:mysql /var/lib/mysql
if [ ! -d /var/lib/mysql/mysql ]; then
  mariadb-install-db --user=mysql --skip-test-db > /dev/null
  cat > /tmp/first.sql << END
FLUSH PRIVILEGES;
ALTER USER root@localhost IDENTIFIED BY '${MYSQL_ROOT_PASSWORD}';
CREATE DATABASE IF NOT EXISTS \`${MYSQL_DATABASE}\` CHARACTER SET utf8mb4;
END
  mariadbd --user=mysql --bootstrap < /tmp/first.sql
  rm /tmp/first.sql
fi
exec mariadbd --user=mysql --bind-address=0.0.0.0
