// weixin-java-miniapp, of WxJava: the token comes from the mounted file.

import cn.binarywang.wx.miniapp.config.impl.WxMaDefaultConfigImpl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

class MountedConfig extends WxMaDefaultConfigImpl {
    {
        setAppid("wx0123456789abcdef");
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
