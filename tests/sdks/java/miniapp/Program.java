import cn.binarywang.wx.miniapp.api.WxMaService;
import cn.binarywang.wx.miniapp.api.impl.WxMaServiceImpl;

/** Calls through weixin-java-miniapp. */
class Program {
    public static void main(String[] arguments) {
        String url = "https://api.weixin.qq.com/cgi-bin/get_api_domain_ip";
        WxMaService service = new WxMaServiceImpl();
        service.setWxMaConfig(new MountedConfig());
        Calls.onEachLine(() -> service.get(url, null));
    }
}
