using Monge.Engine.Random;

namespace Monge.Engine.Tests.Random;

public class PhiloxTests
{
    /// <summary>The known answers distributed with Random123 for philox4x32, 10 rounds.</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0UL, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffffffffffUL, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0x299f31d0a4093822UL, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_gives_the_published_known_answers(
        uint counter0, uint counter1, uint counter2, uint counter3, ulong key, uint word0, uint word1, uint word2, uint word3) =>
        Assert.Equal((word0, word1, word2, word3), Philox.Block(counter0, counter1, counter2, counter3, key));

    [Fact]
    public void Keys_of_neighbouring_seeds_and_streams_all_differ()
    {
        var keys = new HashSet<ulong>();
        for (ulong seed = 0; seed < 300; seed++)
        {
            for (uint stream = 0; stream < 300; stream++)
            {
                Assert.True(keys.Add(new RandomKey(seed, stream).PhiloxKey), $"seed {seed}, stream {stream} shares a key");
            }
        }
    }
}
