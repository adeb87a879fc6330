#!/usr/bin/env bash
# Software: weixin-java-mp 4.7.0 and weixin-java-miniapp 4.7.0, a configuration with a
# `getAccessToken` of its own.
# Guess: what `getAccessToken` returns is the token, since that is what it is for, and nothing is
# fetched. Both do the same.
# Behaviour: both ask `isAccessTokenExpired` first, which says yes as long as nobody has stored an
# expiry. Then they fetch a token. mp drops it and sends what `getAccessToken` returns; miniapp
# sends the fetched one, and from the next call on what `getAccessToken` returns. On WeChat's legacy
# endpoint that fetch ends the token that mp then sends.
# Seen: two calls of each, the first after a fetch. mp sends `own` and `own`, miniapp sends
# `fetched` and `own`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml << 'EOT'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.github.binarywang</groupId>
      <artifactId>weixin-java-mp</artifactId><version>4.7.0</version>
    </dependency>
    <dependency>
      <groupId>com.github.binarywang</groupId>
      <artifactId>weixin-java-miniapp</artifactId><version>4.7.0</version>
    </dependency>
  </dependencies>
</project>
EOT
cat > Calls.java << 'EOT'
import cn.binarywang.wx.miniapp.api.impl.WxMaServiceImpl;
import cn.binarywang.wx.miniapp.config.impl.WxMaDefaultConfigImpl;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;

public class Calls {
    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            boolean fetch = exchange.getRequestURI().getPath().equals("/cgi-bin/token");
            String query = exchange.getRequestURI().getQuery();
            System.out.println(fetch ? "  a fetch" : "  a call with " + query);
            String fetched = "{\"access_token\":\"fetched\",\"expires_in\":7200}";
            byte[] body = (fetch ? fetched : "{\"errcode\":0,\"ip_list\":[]}").getBytes();
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        String host = "http://127.0.0.1:" + server.getAddress().getPort();

        WxMpDefaultConfigImpl mp = new WxMpDefaultConfigImpl() {
            @Override
            public String getAccessToken() {
                return "own";
            }
        };
        mp.setAppId("wx1");
        mp.setSecret("s");
        WxMpHostConfig hosts = new WxMpHostConfig();
        hosts.setApiHost(host);
        mp.setHostConfig(hosts);
        WxMpServiceImpl account = new WxMpServiceImpl();
        account.setWxMpConfigStorage(mp);
        System.out.println("weixin-java-mp");
        for (int call = 0; call < 2; call++) {
            account.getCallbackIP();
        }

        WxMaDefaultConfigImpl ma = new WxMaDefaultConfigImpl() {
            @Override
            public String getAccessToken() {
                return "own";
            }
        };
        ma.setAppid("wx1");
        ma.setSecret("s");
        ma.setApiHostUrl(host);
        WxMaServiceImpl app = new WxMaServiceImpl();
        app.setWxMaConfig(ma);
        System.out.println("weixin-java-miniapp");
        for (int call = 0; call < 2; call++) {
            app.get(host + "/cgi-bin/get_api_domain_ip", null);
        }
        server.stop(0);
    }
}
EOT
mvn --batch-mode --quiet dependency:copy-dependencies -DoutputDirectory=lib > /dev/null
seen=$(java -cp 'lib/*' Calls.java 2> /dev/null)
printf '%s\n' "$seen"
expected='weixin-java-mp
  a fetch
  a call with access_token=own
  a call with access_token=own
weixin-java-miniapp
  a fetch
  a call with access_token=fetched
  a call with access_token=own'
[[ $seen == "$expected" ]] ||
    { echo 'WxJava uses an own getAccessToken otherwise now' >&2; exit 1; }
