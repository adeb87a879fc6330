import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;

/** Calls through weixin-java-mp. */
class Program {
    public static void main(String[] arguments) {
        WxMpService service = new WxMpServiceImpl();
        service.setWxMpConfigStorage(new MountedConfig());
        Calls.onEachLine(service::getCallbackIP);
    }
}
