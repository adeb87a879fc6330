// weixin-java-cp, of WxJava: the token comes from the mounted file.

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import me.chanjar.weixin.cp.config.impl.WxCpDefaultConfigImpl;

class MountedConfig extends WxCpDefaultConfigImpl {
    {
        setCorpId("ww0123456789abcdef");
    }

    @Override
    public String getAccessToken() {
        try {
            return Files.readString(Path.of("/token/access_token"));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public boolean isAccessTokenExpired() {
        return false;
    }
}
